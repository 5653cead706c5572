"""What a trained model is for, once it is evaluated: to name pictures, and to be exported."""
