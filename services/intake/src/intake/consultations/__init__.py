"""Consultations: asked for, checked, scheduled, held, noted, or declined."""
