"""Closing statements: how a contingent matter ended, and where each part of the money goes."""
