"""Brings the cluster up, scales it, runs it, takes it down."""
