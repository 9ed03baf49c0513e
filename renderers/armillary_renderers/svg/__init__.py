"""Placed diagram → SVG."""
