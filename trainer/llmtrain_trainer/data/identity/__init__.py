"""Statistics on how English documents speak of people; no step drops a document for them."""
