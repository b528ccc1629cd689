"""Define every error code once: what it says, why it happens, and how to fix it. ``docs/errors.md`` comes from it."""

from __future__ import annotations

from enum import Enum


class Code(Enum):
    """Kind of error or warning. A number that begins with W is a warning: the run goes on.

    Attributes
    ----------
    number : str
        The end of a message, such as E101. A number is never used again for anything else.
    title, cause, cure : str
        Texts for ``docs/errors.md``.
    """

    NO_FILE = (
        "E101",
        "There is no such file",
        "The name is misspelt, or meant from another folder: paths in a scenario are relative to the scenario file.",
        "Mend the path; `..` is the folder above.",
    )
    UNREADABLE = (
        "E102",
        "A file cannot be read",
        "Its permissions forbid it, it is a folder, or the disk fails.",
        "Give yourself the right to read it, or copy it elsewhere.",
    )
    ENCODING = (
        "E103",
        "Text in an encoding that is not certain",
        "The bytes are neither UTF-8 nor UTF-16, CP949 or Windows-1252; a layer says nothing of its encoding.",
        "Save the table as *CSV UTF-8* or as `.xlsx`; put the name of the encoding into a `.cpg` beside a shapefile.",
    )
    FORMAT = (
        "E104",
        "A file is not what its ending says",
        "It is damaged, was renamed, or is of another kind.",
        "Save it again from the program that made it, as CSV, XLSX, GeoPackage, GeoJSON, GeoParquet or shapefile.",
    )
    TOO_LARGE = (
        "E105",
        "More than siteopt reads",
        "A file, a line, a cell or the number of columns goes far beyond any real table; an `.xlsx` unpacks to far "
        "more than it holds.",
        "Look whether the file is what it should be. A table of millions of rows is read as GeoParquet.",
    )
    WHICH_LAYER = (
        "E106",
        "Several layers or sheets, and none is named",
        "The file holds more than one table, and none is called like the one that is looked for.",
        "Name it as QGIS does: `file.gpkg|layername=NAME`, `file.xlsx|layername=SHEET`.",
    )
    NO_CRS = (
        "E107",
        "A layer does not say where on Earth it lies",
        "Its coordinate reference system was not saved with it; a shapefile lacks its `.prj`.",
        "Set the CRS in QGIS and save the layer again.",
    )
    NOT_LOCAL = (
        "E108",
        "Not a file on this machine",
        "The path is an address of the network, or of GDAL's virtual file systems.",
        "Download the file, and name the copy.",
    )
    EMPTY = (
        "E109",
        "A table without rows",
        "The file is empty, or has a header only; a filter in the program that saved it hid all rows.",
        "Save it again with its rows.",
    )
    NO_COLUMN = (
        "E201",
        "A column that must be there is missing",
        "The header is misspelt, or the column was deleted; or the first row is not the header.",
        "Name it as in `data/README.md`.",
    )
    UNKNOWN_COLUMN = (
        "E202",
        "A column that looks misspelt",
        "Its name is nearly that of a known column, which is missing.",
        "Correct the name. Columns that are unlike any known one are kept as they are.",
    )
    COLUMN_TWICE = (
        "E203",
        "Two columns for one thing",
        "A header stands twice, money is given in two currencies, or a shapefile has cut two names alike.",
        "Delete one of them.",
    )
    CELLS = (
        "E204",
        "A row whose cells do not fit the header",
        "A comma too many: in a text without quotes, or in a number; or the whole row stands in one cell.",
        "Put the text between quotes, or save the table from a spreadsheet again.",
    )
    QUOTES = (
        "E205",
        "Quotes that do not pair",
        "A quote within a cell is not doubled, or the one that closes a cell is missing.",
        "Look at the row that is named, and those before it.",
    )
    BLANK = (
        "E206",
        "A blank that is not allowed",
        "The cell decides something that nothing can be assumed for.",
        "Fill it.",
    )
    NOT_NUMBER = (
        "E207",
        "Not a number",
        "Text, a unit or a sign stands with the number.",
        "Write the number alone; its unit is in the header.",
    )
    AMBIGUOUS_NUMBER = (
        "E208",
        "A number that can be read in two ways",
        "1,234 is 1234 to some and 1.234 to others, and no other cell of the column tells which.",
        "Write 1234 or 1.2340, without a separator for thousands.",
    )
    OUT_OF_RANGE = (
        "E209",
        "A number beyond what is plausible",
        "Another unit (kW for MW), a slip of the decimal point, or latitude and longitude swapped.",
        "Correct it; the ranges stand in `data/README.md`.",
    )
    NOT_WHOLE = ("E210", "Not a whole number", "Units are counted.", "Round it.")
    NOT_DATE = (
        "E211",
        "Not a date",
        "A spreadsheet has turned the date into a number or into words, or its year has two digits.",
        "Write it as 2026-12-01.",
    )
    AMBIGUOUS_DATE = (
        "E212",
        "A date that can be read in two ways",
        "03/04/2026 is in March to some and in April to others, and no other cell of the column tells which.",
        "Write it as 2026-04-03.",
    )
    CHOICE = (
        "E213",
        "Not one of the allowed words",
        "The word is misspelt, or another one for the same.",
        "Use one of the words that the message lists.",
    )
    DUPLICATE = (
        "E214",
        "An id stands twice",
        "A row was copied, or two tables hold the same site or offer.",
        "Delete one of the rows, or give it an id of its own.",
    )
    STRANGER = (
        "E215",
        "A site_id that looks misspelt",
        "It is nearly that of a candidate.",
        "Correct it. An id that is unlike any candidate's belongs to another table, and is no fault.",
    )
    AT_SEA = (
        "E216",
        "A place in the sea",
        "Latitude and longitude are swapped, a sign is lost, or digits are.",
        "Correct the place; QGIS shows it (`siteopt check --out`).",
    )
    OTHER_COUNTRY = (
        "E217",
        "A place in another country than it says",
        "Latitude and longitude are swapped, a sign is lost, or the country code is another one.",
        "Correct the place or the country.",
    )
    COUNTRY_CODE = (
        "W217",
        "A country that is no code",
        "A name or other letters stand for the two capitals of ISO 3166, so siteopt cannot check the place against it.",
        "Write the two capitals, such as US or KR. Filters by country compare them letter by letter.",
    )
    BACKWARDS = ("E218", "An end before its beginning", "Two dates or two days are exchanged.", "Exchange them.")
    NOT_RISING = (
        "E219",
        "Grid steps that do not rise",
        "`grid_mw` is the limit that is reached, not what is added; or a step stands twice, perhaps in two files; or "
        "`[defaults]` assumes as much for a site whose `grid_mw` is blank.",
        "Give the whole limit from that day on, and the `grid_mw` of the site where it is known.",
    )
    EITHER_OR = (
        "E220",
        "Both, or neither, of two that exclude each other",
        "A step has a day or a date, an offer a rent or a price.",
        "Fill one of the two.",
    )
    WRONG_KIND = (
        "E221",
        "A cell that does not fit the kind of unit",
        "A generator needs what a battery does not have, and the other way round.",
        "Fill or clear it, or correct the kind.",
    )
    SHAPE = (
        "E222",
        "A geometry that cannot be used",
        "It is missing, of another kind, or its outline crosses itself.",
        "*Fix geometries* in QGIS, or draw it again.",
    )
    CUT = (
        "E223",
        "Text that a shapefile may have cut",
        "A shapefile holds 254 bytes a cell, 84 Korean letters.",
        "Save the layer as a GeoPackage.",
    )
    FORMULA = (
        "E224",
        "A formula without a result",
        "The workbook was never calculated, or its formula fails.",
        "Open it in a spreadsheet, mend the formula, save.",
    )
    MERGED = (
        "E231",
        "Merged cells",
        "Several rows or columns share one cell, and only the first of them holds its value.",
        "Take the cells apart (*Unmerge cells*), and fill each.",
    )
    TOO_BIG = (
        "E225",
        "A part larger than the whole",
        "A hall or a yard is larger than its site: another unit, or another site's outline.",
        "Correct the area or the outline.",
    )
    INVISIBLE = (
        "E226",
        "An id with characters that nobody sees",
        "A line break, a tab, or a mark for the direction of writing was pasted into the cell.",
        "Type the id again.",
    )
    NEARLY_TWIN = (
        "W214",
        "Ids that are hardly told apart",
        "They differ in capitals, blanks, or full-width letters only: perhaps one thing, entered twice.",
        "Give one of the rows another id, or delete it.",
    )
    HARDLY = (
        "W225",
        "Figures that hardly fit each other",
        "One of them is in another unit: kW for MW, ha for m2, kWh for MWh. Or it is a rare plant.",
        "Correct it, or leave it: the run goes on with it.",
    )
    NOT_TOML = (
        "E301",
        "The scenario is not TOML",
        "A quote, bracket or comma is missing near the place that is named.",
        "Compare with the scenarios under `models/`.",
    )
    NO_KEY = ("E302", "A key is missing", "The scenario does not say what it must.", "Add the key; see the guide.")
    UNKNOWN_KEY = (
        "E303",
        "A key that is not known",
        "It is misspelt, or stands in another section.",
        "Correct it; see the guide.",
    )
    BAD_VALUE = (
        "E304",
        "A value that cannot be",
        "Its type or range is another, or it contradicts another key.",
        "Correct it; the message says what is expected.",
    )
    BAD_SETTING = (
        "E305",
        "`--set` is not understood",
        "It names no key, or the shell took its quotes away.",
        "Write `--set section.key=value`, in single quotes where the value has quotes or brackets.",
    )
    NO_SUCH_NAME = (
        "E306",
        "A name that is not known",
        "A site or a milestone that is asked for is not there.",
        "Correct it; the message names the nearest.",
    )
    NOT_A_RUN = (
        "E401",
        "Not the folder of a run",
        "It holds other files, or is a file; or a file of the run is missing or was changed.",
        "Name a new or empty folder, or that of a run. Solve a damaged run again.",
    )
    NO_WRITING = (
        "E402",
        "The outputs cannot be written",
        "The folder is read-only, belongs to somebody else, or its name is not possible; or it is a disk of its own, "
        "or the folder you work in, which cannot be replaced.",
        "Name another folder with `--out`. The previous run is as it was.",
    )
    DISK_FULL = (
        "E403",
        "The disk is full",
        "Or a quota is used up, or the disk of temporary files is full.",
        "Make room, or name a folder on another disk with `--out`, for temporary files with the variable `TMPDIR`. The "
        "previous run is as it was.",
    )
    IN_USE = (
        "E404",
        "An output is in use by another program",
        "QGIS is saving edits into `siteopt.gpkg`; or, on Windows, a file of the run is open.",
        "End the editing or close the file there, and run again. The previous run is as it was.",
    )
    BUSY = (
        "E405",
        "Another run is writing into this folder",
        "Two runs were started at once with the same `--out`.",
        "Wait for the other, or name another folder with `--out`.",
    )
    SOLVER = (
        "E501",
        "The solver fails",
        "It is missing or not for this machine, or it ended in a state that proves nothing.",
        "`siteopt doctor` says which solvers run. Send the log and the LP file that `--debug` writes to the authors.",
    )
    MEMORY = (
        "E502",
        "Not enough memory",
        "Other programs take it, or the tables are larger than this machine can hold.",
        "Close other programs, take fewer `--workers`, or split the tables.",
    )
    BROKEN = (
        "E503",
        "A package does not load",
        "It is missing, or its wheel is not for this machine or this Python.",
        "Install siteopt into a new environment.",
    )
    UNEXPECTED = (
        "E901",
        "A fault of siteopt itself",
        "Something happened that nobody foresaw.",
        "Nothing was written. Send the log that the message names to the authors.",
    )

    def __init__(self, number: str, title: str, cause: str, cure: str) -> None:
        self.number = number
        self.title = title
        self.cause = cause
        self.cure = cure

    @property
    def is_warning(self) -> bool:
        """Return whether this is a warning, so that the run goes on."""
        return self.number.startswith("W")
