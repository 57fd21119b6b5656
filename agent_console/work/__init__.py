"""Work around the calls: knowledge, callers, registers, complaints, inspections, pushes."""
