"""From definitions and histories to diagrams and overlays."""
