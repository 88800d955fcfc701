"""Races: users on all workers that act at the same instant."""
