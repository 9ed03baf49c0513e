"""The layouts of this package; others register under the entry point group ``armillary.layouts``."""
