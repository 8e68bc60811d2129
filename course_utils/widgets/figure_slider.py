"""A figure that is drawn anew whenever a slider moves."""

import anywidget
import traitlets
from matplotlib import pyplot as plt

from course_utils._support.html import image_data_uri
from course_utils.widgets import base


class Sliders(anywidget.AnyWidget):
    """Sliders above a figure, drawn by the front-end.

    choices: [[name, [text of each value]]]; at: {name: place of its value}.
    """

    _esm, _css = base.script("elements", "sliders"), base.STYLE
    choices = traitlets.List().tag(sync=True)
    at = traitlets.Dict().tag(sync=True)
    src = traitlets.Unicode().tag(sync=True)
    alt = traitlets.Unicode().tag(sync=True)
    width = traitlets.Int().tag(sync=True)  # of the figure on the page, in pixels


class FigureSlider(base.Explorer):
    """A figure with a slider for each thing that it depends on.

    The figure is drawn anew when a slider is let go, or moved by the arrow keys.

    Parameters
    ----------
    draw : callable
        ``draw(**values)`` draws one matplotlib figure and returns its alt text: what is
        to be seen, with the numbers, in one or two sentences. It does not show the
        figure.
    start : dict, default=None
        Values at first, like ``{"k": 3}``; the others begin at their first value.
    **choices : sequence
        The values of each slider by its name, such as ``k=range(2, 9)``.

    Attributes
    ----------
    values : dict
        Where the sliders are, by name; set it to move them.

    Raises
    ------
    ValueError
        If a slider has no values or none like that in `start`, or if `draw` leaves no
        figure or returns no text.

    Examples
    --------
    >>> def draw(power):
    ...     plt.plot([x**power for x in range(5)])
    ...     return f"0 to 4 to the power of {power}: the curve ends at {4**power}."
    >>> chart = FigureSlider(draw, power=[1, 2, 3])
    >>> chart.values = {"power": 2}
    >>> chart.status.text
    '0 to 4 to the power of 2: the curve ends at 16.'
    """

    text = "a figure with sliders: run the notebook to move them"

    def __init__(self, draw, *, start=None, **choices):
        self.draw = draw
        self.choices = {name: list(values) for name, values in choices.items()}
        if not self.choices or not all(self.choices.values()):
            raise ValueError("Give each slider its values, like k=range(2, 9).")
        self.sliders = Sliders(
            choices=[[name, list(map(str, v))] for name, v in self.choices.items()],
            at=self._places({n: v[0] for n, v in self.choices.items()} | (start or {})),
        )
        self.assemble(self.sliders)
        self._update()
        self.sliders.observe(lambda _: self.attempt(self._update), "at")

    @property
    def values(self):
        """Where the sliders are, by name."""
        at = self.sliders.at
        return {name: values[at[name]] for name, values in self.choices.items()}

    @values.setter
    def values(self, values):
        self.sliders.at = self._places(self.values | values)

    @property
    def alt(self):
        return f"{self.text}. {self.status.text}"

    def static(self):
        figure, _ = self._drawn()
        if figure.get_layout_engine() is None:
            figure.set_layout_engine("constrained")
        at = ", ".join(f"{name} = {value}" for name, value in self.values.items())
        note = f"Here at {at}. Run the notebook to move the sliders."
        figure.supxlabel(note, fontsize=9, color="#595959", parse_math=False)
        return figure

    def _places(self, values):
        for name, value in values.items():
            if name not in self.choices:
                raise ValueError(f"There is no slider {name!r}.")
            if value not in self.choices[name]:
                allowed = ", ".join(map(str, self.choices[name]))
                raise ValueError(f"{name} cannot be {value!r}, only {allowed}.")
        return {name: self.choices[name].index(value) for name, value in values.items()}

    def _drawn(self):
        """The figure that `draw` makes, or the new one that it draws on; its words."""
        figure = plt.figure()
        before = set(plt.get_fignums())
        try:
            words = self.draw(**self.values)
            made = [number for number in plt.get_fignums() if number not in before]
            if not made and not (plt.fignum_exists(figure.number) and figure.axes):
                raise ValueError("draw must leave its figure open: not plots.show.")
            if not isinstance(words, str) or not words.strip():
                raise ValueError("draw must return what the figure shows, as a text.")
        except Exception:
            for number in set(plt.get_fignums()) - before | {figure.number}:
                plt.close(number)
            raise
        if made:
            plt.close(figure)
            figure = plt.figure(made[-1])
        return figure, words

    def _update(self):
        figure, words = self._drawn()
        data, width = base.png(figure)
        with self.sliders.hold_sync():
            self.sliders.width, self.sliders.alt = width, words
            self.sliders.src = image_data_uri(data)
        self.status.text = words
