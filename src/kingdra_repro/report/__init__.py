"""Tables, figures and HTML pages made from finished runs."""
