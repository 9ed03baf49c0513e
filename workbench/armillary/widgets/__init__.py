"""Live views in notebooks: an anywidget for each instance, and what a notebook keeps of it."""
