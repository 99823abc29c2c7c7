"""Lungfish."""
