"""What clients are asked to decide: with options and consequences, answered by who may, kept."""
