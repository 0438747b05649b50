"""Conflict checks: nobody is heard before it is known whom the firm would have to act against."""
