"""How clients want to hear from the firm, per purpose, when, and in which language."""
