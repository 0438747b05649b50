"""Audit keeps the record: it hears every fact of every service and appends each as one leaf of a
Merkle log, signs a checkpoint with it, and proves that nothing was altered or left out."""
