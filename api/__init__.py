"""The Orders & Inventory API: HTTP in, one SQL call, HTTP out."""

__version__ = "0.1.0"
