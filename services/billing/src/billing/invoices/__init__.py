"""Invoices that a person and a machine can read: approved by name, numbered without gaps, never
edited."""
