"""Diagram → Mermaid, DOT and a text outline."""
