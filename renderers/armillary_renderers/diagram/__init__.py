"""What is drawn, what is placed, and how a placed diagram is measured."""
