"""What needs no download: drawn house numbers, and the real digits that a package ships."""
