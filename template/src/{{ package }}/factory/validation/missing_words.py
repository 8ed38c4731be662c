"""Texts and numbers that mean a missing value, as people, programs and databases write them."""

import polars as pl

COMMON_MISSING = (
    *("NA", "N/A", "n/a", "#N/A", "NaN", "nan", "NULL", "null", "<NA>", "?"),
    *(r"\N", "NaT", "<null>", "<NULL>", "(null)", "(NULL)", "[null]", "[NULL]"),
    *("#DIV/0!", "#NULL!", "#NUM!", "#REF!", "#VALUE!", "#NAME?"),
)
"""Texts that mean a missing value in most tables: `factory adopt` proposes them as MISSING."""
SENTINELS = (-99, -999, -9999, -99999, 9999, 99999, 999999)
"""Numbers that often mean a missing value, if they are far from all others."""
INFINITE = r"(?i)^[+\x{2212}-]?(inf(inity)?|\x{221E}|1\.#inf\d*)$"
BOTH_INFINITE = "inf", "-inf"
SHAPES = (
    r"^[\p{P}<>=|~^]+$",
    INFINITE,
    r"^\\N$",
    r"^\.[A-Za-z_]$",  # SAS and Stata
    r"^#[¡¿]?\p{L}[\p{L}_]*(/[\p{L}0]+)?[!?]?$",  # spreadsheets, in any language
    r"^0{1,4}([-/.]0{1,4}){2}([ T]0?0:00(:00(\.0+)?)?)?$",  # MySQL's date
)
PUNCTUATION = r"[\s\p{P}<>=|~^]"
IN_LANGUAGES = {
    "statistics and software": (
        "na nan nat nainteger nareal nacharacter null nil none nv nd ndef ind 1ind snan qnan 1qnan 1snan undefined undef "
    ),
    "English": (
        "notavailable notapplicable notknown notgiven notrecorded notreported notstated notspecified notprovided "
        "notdetermined notmeasured nottested notdone notassessed notcollected notfound nodata novalue noanswer noresponse "
        "noresult noinformation noreading norecord nk nr ns nm unk unkn unknown undetermined unspecified unavailable "
        "unassigned missing missingvalue miss empty blank void refused declined withheld suppressed redacted tbd tba tbc "
        "pending dontknow dk invalid invaliddata error err badinput baddata gettingdata "
    ),
    "German": (
        "ka keineangabe keineangaben ohneangabe unbekannt fehlt fehlend fehlwert fehlerhaft nichtverfügbar "
        "nichtvorhanden nichtbekannt nichterhoben nichtangegeben nichtzutreffend trifftnichtzu entfällt nb nz nn "
        "keinwert keinedaten leer ungültig weißnicht "
    ),
    "French": (
        "nc so nsp inconnu inconnue nonrenseigné nonrenseignée nonrenseigne nonconnu nondisponible noncommuniqué "
        "nondéterminé nonapplicable indisponible indéterminé sansobjet sansréponse manquant manquante vide "
        "néant pasdedonnées donnéemanquante "
    ),
    "Spanish and Portuguese": (
        "sd sindato sindatos sininformación sininformacion desconocido desconocida nodisponible noaplica noaplicable "
        "nocorresponde nosabe nocontesta nsnc nsnr nulo nula vacío vacio faltante sinrespuesta noinformado "
        "noespecificado noregistrado ni semdados seminformação seminformacao desconhecido desconhecida nãodisponível "
        "naodisponivel nãoinformado naoinformado nãoaplicável nãoseaplica naoseaplica ignorado vazio "
        "ausente nãoconsta semresposta "
    ),
    "Italian": (
        "np nondisponibile nonapplicabile nonrilevato nonpervenuto nondichiarato sconosciuto sconosciuta ignoto mancante "
        "nullo vuoto datomancante nonnoto "
    ),
    "Dutch": (
        "nvt onbekend geengegevens geenantwoord ontbreekt ontbrekend leeg nietbeschikbaar nietbekend nietvantoepassing "
    ),
    "Scandinavian and Finnish": (
        "saknas okänd okänt uppgiftsaknas ejtillgänglig ejtillämplig ukendt ukjent mangler ikkeoplyst uoplyst "
        "ikketilgjengelig ikkeoppgitt tuntematon puuttuu eitietoa eisaatavilla "
    ),
    "Polish, Czech, Slovak, Croatian, Slovenian, Hungarian, Romanian, Turkish": (
        "bd brak brakdanych brakodpowiedzi nieznany nieznana nieznane niedotyczy neznámý neznámá neznámé neznáme neuvedeno "
        "neuvedené chybí chýba nezjištěno nedostupné nepoznato neznano nemapodataka nipodatka manjka ismeretlen hiányzik "
        "nincsadat necunoscut lipsă lipsa indisponibil bilinmiyor bilinmeyen eksik boş veriyok belirtilmemiş "
    ),
    "Greek, Russian, Ukrainian, Bulgarian": (
        "άγνωστο άγνωστη δυ μηδιαθέσιμο неизвестно неизвестен нд нетданных данныхнет неуказано отсутствует пусто невідомо "
        "немаєданих невказано нямаданни "
    ),
    "Chinese, Japanese, Korean": (
        "未知 缺失 不详 不明 暂无 无数据 空 空值 未填 未提供 不适用 無資料 缺值 遺失 不適用 欠測 欠損 未記入 未回答 該当なし データなし "
        "記載なし 未測定 알수없음 미상 결측 해당없음 모름 무응답 자료없음 미기재 "
    ),
    "Arabic, Hebrew, Hindi, Thai, Vietnamese, Indonesian": (
        "غيرمعروف غيرمتوفر غيرمتاح مجهول לאידוע חסר איןנתונים अज्ञात ไม่ทราบ ไม่มีข้อมูล khôngrõ khôngcódữliệu "
        "tidakdiketahui tidaktersedia kosong"
    ),
}
"""In lower case, without blanks and punctuation."""
WORDS = " ".join(IN_LANGUAGES.values()).split()


def are_missing(texts: pl.Series) -> pl.Series:
    """Whether each means a missing value in a column of numbers or times; elsewhere it may be an ordinary value."""
    words = texts.str.to_lowercase().str.replace_all(PUNCTUATION, "")
    return words.is_in(WORDS) | texts.str.contains("|".join(SHAPES)) | texts.is_in(COMMON_MISSING)


def with_both_infinities(words: list[str]) -> list[str]:
    """The words, and if one is an infinite number, both of them, since the other may come in the next delivery."""
    return [*words, *(word for word in BOTH_INFINITE if _is_any_infinite(words) and word not in words)]


def note(words: list[str]) -> str:
    """What to know about reading these as missing values; empty if nothing."""
    return "infinite numbers are read as missing values" if _is_any_infinite(words) else ""


def _is_any_infinite(words: list[str]) -> bool:
    return bool(pl.Series(words, dtype=pl.String).str.contains(INFINITE).any())
