"""Exports: the record of a matter or a client as a bundle that anybody checks without the firm."""
