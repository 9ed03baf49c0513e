"""The engine: what a workflow is, how one slice of it runs, and the stores that keep it.

It imports neither the renderers nor the workbench.
"""
