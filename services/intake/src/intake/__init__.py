"""intake answers for how a person becomes a client: asked, conflict-checked, heard, noted, agreed
in writing and signed by everybody who must, with nothing skipped that was promised."""
