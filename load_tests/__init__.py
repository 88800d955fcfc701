"""Users of the Orders & Inventory API: read, copy and edit them for your own load tests."""
