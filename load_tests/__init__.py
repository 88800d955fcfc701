"""Users of the Orders & Inventory API: what to read, copy and edit for load tests of your own."""
