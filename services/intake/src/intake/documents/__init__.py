"""Documents: agreements, evidence and letters as PDFs, and the firm's seal on them."""
