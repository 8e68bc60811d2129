"""Adam, the rule by which the small networks of the course take their steps.

Source: D. P. Kingma and J. Ba, *Adam: A method for stochastic optimization*, ICLR 2015.
"""

import numpy as np

FIRST, SECOND = 0.9, 0.999  # how much of the two running means is kept


class Adam:
    """Running means of slopes and of their squares, of some arrays of weights."""

    def __init__(self, rate, epsilon=1e-7):
        self.rate, self.epsilon = rate, epsilon
        self.n_steps, self.means = 0, {}

    def step(self, parts, slopes):
        """Change the arrays in place, against their slopes."""
        self.n_steps += 1
        for number, (part, slope) in enumerate(zip(parts, slopes, strict=True)):
            first, second = self.means.get(number, (0.0, 0.0))
            first = FIRST * first + (1 - FIRST) * slope
            second = SECOND * second + (1 - SECOND) * slope**2
            self.means[number] = first, second
            size = np.sqrt(second / (1 - SECOND**self.n_steps)) + self.epsilon
            change = self.rate * (first / (1 - FIRST**self.n_steps)) / size
            part -= change.astype(part.dtype)
