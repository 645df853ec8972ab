"""The `%pipeline…` magics: they parse, delegate and display."""
