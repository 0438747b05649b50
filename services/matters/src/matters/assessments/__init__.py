"""How the firm sees a case, told to the client in writing, version by version."""
