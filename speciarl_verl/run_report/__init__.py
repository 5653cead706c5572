"""`speciarl report`: one HTML page and plots that explain a training by its files, while it goes or after it died."""
