"""Clusters to test."""

from tests.clusters import checkout, engine  # noqa: F401
