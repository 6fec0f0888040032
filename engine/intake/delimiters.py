"""Which character separates the columns of a CSV file."""

_DELIMITERS = ",;\t|"
_LINES = 20


def sniff_delimiter(lines, comment=None, header_first=False):
    """The delimiter that the first lines of a file speak for.

    :param lines: the first lines, ``str`` without line ends
    :param comment: character that starts a line to be left out, if any
    :param header_first: whether the first line is the header for certain
    :return: ',', ';', tab or '|'; ',' where nothing speaks for any

    >>> sniff_delimiter(['name;price', 'Belgium, fixed;0,01', 'Belgium, mobile;0,09'])
    ';'
    """
    samples = []
    for line in lines:
        if line.strip() and not (comment and line.startswith(comment)):
            samples.append(_outside_quotes(line[:10_000]))
            if len(samples) == _LINES:
                break
    best, best_score = ",", ()
    for delimiter in _DELIMITERS:
        counts = [sample.count(delimiter) for sample in samples]
        if not counts or not max(counts):
            continue
        # There are as many as in the header, which may come below a title.
        usual = counts[0] or max(set(counts), key=counts.count)
        is_in_header = counts[0] > 0 or not header_first
        score = is_in_header, usual > 0, sum(count == usual for count in counts), usual
        if score > best_score:
            best, best_score = delimiter, score
    return best


def _outside_quotes(line):
    return "".join(line.split('"')[::2]) if '"' in line else line
