"""What turns a segment of audio into text. `base` says what every recogniser offers."""
