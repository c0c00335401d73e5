"""Tables, figures and pages that are made of finished runs."""
