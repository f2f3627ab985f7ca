"""The operator: a pure core that decides, and thin shells that carry the decisions out."""
