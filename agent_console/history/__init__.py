"""Past calls: found by what was said, shown, heard and replayed."""
