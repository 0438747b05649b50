"""Who may do what with fees, on one page: role × action × relation; what is not here is denied."""

from shared.policy import PolicyTable

# What a client who is represented jointly may do in the matter of another (ADR-0034): read. The
# bills go to the matter's client, who accepts, asks and pays.
OPEN_TO_JOINT_CLIENTS = frozenset({"read bills", "read entries"})

POLICY: PolicyTable = {
    "read bills": {
        "partner": "any",
        "billing": "any",
        "compliance": "any",
        "integration": "any",
        "attorney": "team",
        "paralegal": "team",
        "client": "self",
    },
    "read entries": {
        "partner": "any",
        "billing": "any",
        "compliance": "any",
        "attorney": "team",
        "paralegal": "team",
        "client": "self",
    },
    "disclose fees": {"partner": "any", "billing": "any", "attorney": "team"},
    "accept as client": {"client": "self"},
    "record acceptance": {"partner": "any", "billing": "any"},
    "record work": {"partner": "any", "billing": "any", "attorney": "team", "paralegal": "team"},
    "make exceptions": {"partner": "any"},
    "close matters": {"partner": "any", "billing": "any", "attorney": "team"},
    "estimate": {"partner": "any", "billing": "any", "attorney": "team"},
    "draft invoices": {"partner": "any", "billing": "any"},
    "approve invoices": {"partner": "any", "attorney": "team"},
    "issue invoices": {"partner": "any", "billing": "any"},
    "credit": {"partner": "any"},
    "record money": {"partner": "any", "billing": "any"},
    "raise concerns": {
        "partner": "any",
        "billing": "any",
        "attorney": "team",
        "paralegal": "team",
        "client": "self",
    },
    "answer concerns": {"partner": "any", "billing": "any", "attorney": "team"},
    "read the firm's figures": {"partner": "any", "billing": "any", "compliance": "any"},
}
