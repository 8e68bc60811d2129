"""Helpers of the image clustering course; `import course_utils` loads nothing heavy."""
