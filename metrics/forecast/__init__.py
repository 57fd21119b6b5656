"""How many calls will come, how many seats they need, and which topics sour."""
