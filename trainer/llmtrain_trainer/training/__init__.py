"""The training loop, and what it is made of. It knows neither Ray nor torchrun."""
