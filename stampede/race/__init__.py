"""Races: users on all workers act at the same instant."""
