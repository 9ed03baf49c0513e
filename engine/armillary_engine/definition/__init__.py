"""What a workflow is: the model, its documents, expressions, schemas and validation. Imports nothing else of ours."""
