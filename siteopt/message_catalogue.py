"""Define every error code once, with its title, cause and fix; ``docs/errors.md`` is generated from this module."""

from __future__ import annotations

from enum import Enum


class Code(Enum):
    """Kind of error or warning. The number of a warning begins with W; a warning does not stop the run.

    Attributes
    ----------
    number : str
        Number at the end of a message, such as E101. A number is never reused for another kind.
    title, cause, cure : str
        Texts for ``docs/errors.md``.
    """

    NO_FILE = (
        "E101",
        "The file does not exist",
        "The name is misspelt, or the path starts from another folder: paths in a scenario are relative to its file.",
        "Correct the path; `..` is the folder above.",
    )
    UNREADABLE = (
        "E102",
        "The file cannot be read",
        "You have no permission to read it, it is a folder, or the disk failed.",
        "Give yourself permission to read it, or copy it to another folder.",
    )
    ENCODING = (
        "E103",
        "The text encoding is unclear",
        "The text is not UTF-8, and no other encoding fits it with certainty; or a layer does not name its encoding.",
        "Save the table as *CSV UTF-8* or as `.xlsx`. For a shapefile, put the name of the encoding into a `.cpg` file "
        "beside it.",
    )
    FORMAT = (
        "E104",
        "The content of the file does not fit its extension",
        "The file is damaged, was renamed, or has another format.",
        "Save it again from the program that made it, as CSV, XLSX, GeoPackage, GeoJSON, GeoParquet or shapefile.",
    )
    TOO_LARGE = (
        "E105",
        "The input is too large",
        "A file, a line, a cell or the number of columns is far larger than in any real table; or an `.xlsx` unpacks "
        "to far more than its own size.",
        "Check that it is the right file. Save a table of millions of rows as GeoParquet.",
    )
    WHICH_LAYER = (
        "E106",
        "The file has several layers or sheets",
        "None of them has the name of the table, so it is not clear which one to read.",
        "Name it as QGIS does: `file.gpkg|layername=NAME`, `file.xlsx|layername=SHEET`.",
    )
    NO_CRS = (
        "E107",
        "The layer has no coordinate reference system",
        "The coordinate reference system (CRS) was not saved with the layer; a shapefile lacks its `.prj`.",
        "Set the CRS in QGIS and save the layer again.",
    )
    NOT_LOCAL = (
        "E108",
        "The file is not on this machine",
        "The path is a network address, or belongs to a virtual file system of GDAL.",
        "Download the file and use the path of the copy.",
    )
    EMPTY = (
        "E109",
        "The table has no rows",
        "The file is empty or has only a header, or a filter hid all rows when it was saved.",
        "Save it again with its rows.",
    )
    NO_COLUMN = (
        "E201",
        "A required column is missing",
        "The header is misspelt, the column was deleted, or the first row is not the header.",
        "Add the column, or correct its name; `data/README.md` lists all columns.",
    )
    UNKNOWN_COLUMN = (
        "E202",
        "A column name looks misspelt",
        "The name resembles that of a known column, which is missing.",
        "Correct the name. Columns that resemble no known column are kept as they are.",
    )
    COLUMN_TWICE = (
        "E203",
        "Two columns mean the same",
        "Two columns have the same name, an amount is given in two currencies, or a shapefile has cut two names to the "
        "same letters.",
        "Delete or rename one of them.",
    )
    CELLS = (
        "E204",
        "The cells of a row do not fit the header",
        "The row has a comma too many, in a text without quotes or in a number; or the whole row is in one cell.",
        "Put the text between quotes, or save the table from a spreadsheet again.",
    )
    QUOTES = (
        "E205",
        "Quotes do not pair",
        "A quote within a cell is not doubled, or the closing quote of a cell is missing.",
        "Check the row that the message names, and the rows before it.",
    )
    BLANK = (
        "E206",
        "A required value is missing",
        "The cell is blank, and the column has no default.",
        "Fill the cell.",
    )
    NOT_NUMBER = (
        "E207",
        "The value is not a number",
        "The cell holds text, or a number with a unit or a sign.",
        "Write only the number; its unit is in the name of the column.",
    )
    AMBIGUOUS_NUMBER = (
        "E208",
        "The number is ambiguous",
        "1,234 can mean 1234 or 1.234, and no other cell of the column shows which one is meant.",
        "Write 1234 or 1.2340, without a thousands separator.",
    )
    OUT_OF_RANGE = (
        "E209",
        "The number is out of range",
        "The number is in another unit (kW instead of MW), the decimal point is in the wrong place, or latitude and "
        "longitude are swapped.",
        "Correct the number; `data/README.md` lists the ranges.",
    )
    NOT_WHOLE = (
        "E210",
        "The number is not a whole number",
        "The column counts units.",
        "Write a whole number.",
    )
    NOT_DATE = (
        "E211",
        "The value is not a date",
        "A spreadsheet has turned the date into a number or into words, or the year has two digits.",
        "Write the date as 2026-12-01.",
    )
    AMBIGUOUS_DATE = (
        "E212",
        "The date is ambiguous",
        "03/04/2026 can be in March or in April, and no other cell of the column shows which one is meant.",
        "Write the date as 2026-04-03.",
    )
    CHOICE = (
        "E213",
        "The value is not one of the allowed words",
        "The word is misspelt, or is another word for the same thing.",
        "Use one of the words that the message lists.",
    )
    DUPLICATE = (
        "E214",
        "An id is used twice",
        "A row was copied, or two tables contain the same site or offer.",
        "Delete one of the rows, or give it another id.",
    )
    STRANGER = (
        "E215",
        "A site_id looks misspelt",
        "It resembles the id of a candidate.",
        "Correct it. An id that resembles no candidate belongs to another table, and is not an error.",
    )
    AT_SEA = (
        "E216",
        "The place is in the sea",
        "Latitude and longitude are swapped, or a sign or a digit is missing.",
        "Correct the coordinates; `siteopt check --out` writes a QGIS map that shows the place.",
    )
    OTHER_COUNTRY = (
        "E217",
        "The place is in another country",
        "Latitude and longitude are swapped, a sign is missing, or the country code is wrong.",
        "Correct the coordinates or the country code.",
    )
    COUNTRY_CODE = (
        "W217",
        "The country is not a country code",
        "The cell holds a name, or letters that are not a code of ISO 3166, so siteopt cannot check the coordinates "
        "against the country.",
        "Write the two capital letters of the code, such as US or KR. Filters by country compare exact codes.",
    )
    BACKWARDS = (
        "E218",
        "The end is before the beginning",
        "Two dates or two days are swapped.",
        "Swap them.",
    )
    NOT_RISING = (
        "E219",
        "Grid steps do not rise",
        "`grid_mw` holds the increase instead of the new limit; or a step is given twice, perhaps in two files; or "
        "`[defaults]` already assumes as much for a site without `grid_mw`.",
        "Give the new limit from that day on, and the `grid_mw` of the site if it is known.",
    )
    EITHER_OR = (
        "E220",
        "Exactly one of two columns is needed",
        "Both are filled or both are blank: the day and the date of a grid step, or the rent and the price of an "
        "offer.",
        "Fill one of the two.",
    )
    WRONG_KIND = (
        "E221",
        "A cell does not fit the kind of equipment",
        "A generator needs other columns than a battery or a chiller.",
        "Fill or clear the cell, or correct the kind.",
    )
    SHAPE = (
        "E222",
        "The geometry cannot be used",
        "The geometry is missing, has another type, or its outline crosses itself.",
        "Use *Fix geometries* in QGIS, or draw it again.",
    )
    CUT = (
        "E223",
        "A shapefile may have cut a text",
        "A cell of a shapefile holds 254 bytes, or 84 Korean letters.",
        "Save the layer as a GeoPackage.",
    )
    FORMULA = (
        "E224",
        "A formula has no result",
        "The workbook was saved without results, or the formula fails.",
        "Open the workbook in a spreadsheet, correct the formula, and save it.",
    )
    MERGED = (
        "E231",
        "Cells are merged",
        "Several rows or columns share one cell, and only the first of them holds the value.",
        "Use *Unmerge cells*, and fill each cell.",
    )
    TOO_BIG = (
        "E225",
        "A part is larger than the whole",
        "A hall or a yard is larger than its site: the area is in another unit, or the outline is that of another "
        "site.",
        "Correct the area or the outline.",
    )
    ONE_LEVEL = (
        "E241",
        "A limit is not for exactly one of a site, a region and a country",
        "Several of `site_id`, `region` and `country` are filled, or none of them.",
        "Fill one of them, and write one row for each.",
    )
    AFTER_STEP = (
        "E242",
        "A limit of the grid comes after a grid step",
        "A row of the limits that ends, or lowers the grid, begins after a grid step of its site. A grid step is a "
        "choice that adds to the limit before it, so such a row would have no clear meaning.",
        "Give the row an earlier day, or enter the steps after it as rows that do not end.",
    )
    UNPAID = (
        "E243",
        "A limit has a cost that nothing pays",
        "Only a row that raises the grid of a site for good is a choice with a cost; all other limits simply hold.",
        "Leave `cost_usd` blank, or add the cost to `site_cost_usd` of the candidate.",
    )
    NO_NOX_LIMIT = (
        "W244",
        "Some sites have no limit of NOx",
        "`nox_limit_t_per_year` is blank, no row of the limits is about it, and the scenario assumes nothing for it. "
        "The engines of these sites may emit any amount.",
        "Set `nox_limit_t_per_year` in `[defaults]`, to a number or to `exclude`, or add rows of `nox` to the limits.",
    )
    INVISIBLE = (
        "E226",
        "An id contains invisible characters",
        "A line break, a tab, or a mark for the writing direction was pasted into the cell.",
        "Type the id again.",
    )
    NEARLY_TWIN = (
        "W214",
        "Two ids look the same",
        "They differ only in capitals, spaces, or full-width letters, so one site or offer may have been entered "
        "twice.",
        "Give one of the rows another id, or delete it.",
    )
    UNLIKELY = (
        "W225",
        "Two figures are an unlikely combination",
        "One of them may be in another unit: kW instead of MW, ha instead of m2, kWh instead of MWh. Or the plant is "
        "unusual.",
        "Correct the figure if it is wrong. The run uses it as it is.",
    )
    NO_IMPORT_RIGHT = (
        "W232",
        "A limit of the grid is no right to import yet",
        "Its `basis` is not in `grid.accept` of the scenario: wires that stand, or power that a plant once sent out, "
        "are no contract for power.",
        "Ask the utility, and enter the basis and the megawatts that it confirms; or set `grid.accept` or "
        "`grid.contract_days`.",
    )
    NOT_TOML = (
        "E301",
        "The scenario is not valid TOML",
        "A quote, bracket or comma is missing near the place that the message names.",
        "Compare the file with the scenarios in `models/`.",
    )
    NO_KEY = (
        "E302",
        "A required key is missing",
        "The scenario has no value for a key without a default.",
        "Add the key; the guide describes each key.",
    )
    UNKNOWN_KEY = (
        "E303",
        "The key is unknown",
        "The key is misspelt, or belongs to another section.",
        "Correct the key; the guide describes each key.",
    )
    BAD_VALUE = (
        "E304",
        "The value of a key is not allowed",
        "The value has the wrong type or is out of range, or it contradicts another key.",
        "Correct the value; the message says what is expected.",
    )
    BAD_SETTING = (
        "E305",
        "A `--set` option is not understood",
        "It names no key of the scenario, or the shell removed its quotes.",
        "Write `--set section.key=value`, in single quotes if the value contains quotes or brackets.",
    )
    NO_SUCH_NAME = (
        "E306",
        "The name is unknown",
        "There is no site, milestone, offer or grid step of this name.",
        "Correct the name; the message suggests the most similar one.",
    )
    RING = (
        "E307",
        "Files extend each other in a ring",
        "A file that `extends` names extends, itself or through others, the file that names it.",
        "Take one of the names that the message lists out of `extends`.",
    )
    NO_SUCH_DAY = (
        "E309",
        "The day is not in the calendar of the scenario",
        "The date is misspelt, before the `start_date` of the project, or after the last of its `horizon_days`.",
        "Write a date as 2026-12-01, or a number of days after the start; raise `horizon_days` for a later day.",
    )
    NOT_A_RUN = (
        "E401",
        "The folder is not a run",
        "It holds other files, or it is a file; or it holds a run of another kind; or a file of the run is missing or "
        "was changed.",
        "Name a new or empty folder, or the folder of a run. Solve a damaged run again.",
    )
    NO_WRITING = (
        "E402",
        "The outputs cannot be written",
        "The folder is read-only, belongs to another user, or has a name that is not possible; or it is a disk of its "
        "own or the current folder, neither of which can be replaced.",
        "Name another folder with `--out`. The previous run is unchanged.",
    )
    DISK_FULL = (
        "E403",
        "The disk is full",
        "The disk of the outputs or of the temporary files is full, or a quota is used up.",
        "Free some space, or name a folder on another disk: for the outputs with `--out`, for temporary files with the "
        "environment variable `TMPDIR`. The previous run is unchanged.",
    )
    IN_USE = (
        "E404",
        "Another program is using an output file",
        "QGIS has unsaved edits in `siteopt.gpkg`; or, on Windows, a file of the run is open.",
        "Save the edits or close the file, and run the command again. The previous run is unchanged.",
    )
    BUSY = (
        "E405",
        "Another run is writing into this folder",
        "Two runs were started with the same `--out`.",
        "Wait for the other run to end, or name another folder with `--out`.",
    )
    NO_CHARTS = (
        "E406",
        "The charts cannot be drawn",
        "The chart engine (vl-convert) does not start, or the system ended it, most often because it got too little "
        "memory: it reserves more than 64 GB of addresses, though it uses little, and `ulimit -v` may forbid that.",
        "Run `siteopt doctor`. Raise the limit of the memory, or run `siteopt plot` on another machine.",
    )
    PAGE_WITHOUT_CHARTS = (
        "W406",
        "The page has no charts",
        "The chart engine does not work on this machine, as for E406. The answer and all other outputs are complete; "
        "the page has the captions and the tables of the charts.",
        "Once the engine works, or on another machine, `siteopt report RUN` writes the page again, with its charts.",
    )
    NOT_OURS = (
        "E407",
        "The file is not one that siteopt wrote",
        "`report` and `plot` replace only pages and charts that they wrote, and only if nobody has changed them since; "
        "they replace no folder, no link and no device. An earlier version may have written the file, too.",
        "Name another file or folder with `--out`, or move the file away. `--out -` prints a page.",
    )
    NOT_OPENED = (
        "E408",
        "A file that a run names is not opened",
        "It has changed since the plan was made, is no longer there, or is outside the current folder and the folder "
        "of the run. A run may come from somebody else, so `verify` and `prove` open no other file that it names.",
        "Run the command in the folder in which the run was solved. Or name the scenario with `--scenario FILE`: then "
        "it and its files are read as they are.",
    )
    SOLVER = (
        "E501",
        "The solver failed",
        "The solver is missing or does not run on this machine, or it ended in a state that proves nothing.",
        "Run `siteopt doctor` to see which solvers work. Send the log, and the LP file that `--debug` writes, to the "
        "authors.",
    )
    MEMORY = (
        "E502",
        "There is not enough memory",
        "Other programs use it, or the tables are too large for this machine.",
        "Close other programs, use fewer `--workers`, or split the tables.",
    )
    BROKEN = (
        "E503",
        "A package cannot be loaded",
        "The package is missing, or its wheel does not fit this machine or this version of Python; or a limit of the "
        "memory (`ulimit -v`) is too low to load it, which the message calls a failure to map a segment.",
        "Install siteopt into a new environment, or raise the limit.",
    )
    UNEXPECTED = (
        "E901",
        "siteopt has a bug",
        "siteopt met an error that it does not handle.",
        "Nothing was written. Send the log that the message names to the authors.",
    )

    def __init__(self, number: str, title: str, cause: str, cure: str) -> None:
        self.number = number
        self.title = title
        self.cause = cause
        self.cure = cure

    @property
    def is_warning(self) -> bool:
        """Return whether this is a warning, which does not stop the run."""
        return self.number.startswith("W")
