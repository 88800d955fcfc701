"""Tries a locustfile: one user of each class, each task once, every request printed, no verdict."""
