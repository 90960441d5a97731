"""From lines of text with boxes to plates: choosing, joining, voting, states, ranking. No model, no file."""
