"""Transports: how a service is reached."""
