//! The names of the countries that parcels go to most.

use domain::Language;

/// ISO 3166-1 alpha-2, the name in French, the name in English.
const COUNTRIES: [(&str, &str, &str); 43] = [
    ("AD", "Andorre", "Andorra"),
    ("AT", "Autriche", "Austria"),
    ("BE", "Belgique", "Belgium"),
    ("BG", "Bulgarie", "Bulgaria"),
    ("CA", "Canada", "Canada"),
    ("CH", "Suisse", "Switzerland"),
    ("CY", "Chypre", "Cyprus"),
    ("CZ", "Tchéquie", "Czechia"),
    ("DE", "Allemagne", "Germany"),
    ("DK", "Danemark", "Denmark"),
    ("EE", "Estonie", "Estonia"),
    ("ES", "Espagne", "Spain"),
    ("FI", "Finlande", "Finland"),
    ("FR", "France", "France"),
    ("GB", "Royaume-Uni", "United Kingdom"),
    ("GF", "Guyane", "French Guiana"),
    ("GP", "Guadeloupe", "Guadeloupe"),
    ("GR", "Grèce", "Greece"),
    ("HR", "Croatie", "Croatia"),
    ("HU", "Hongrie", "Hungary"),
    ("IE", "Irlande", "Ireland"),
    ("IS", "Islande", "Iceland"),
    ("IT", "Italie", "Italy"),
    ("LI", "Liechtenstein", "Liechtenstein"),
    ("LT", "Lituanie", "Lithuania"),
    ("LU", "Luxembourg", "Luxembourg"),
    ("LV", "Lettonie", "Latvia"),
    ("MC", "Monaco", "Monaco"),
    ("MQ", "Martinique", "Martinique"),
    ("MT", "Malte", "Malta"),
    ("NC", "Nouvelle-Calédonie", "New Caledonia"),
    ("NL", "Pays-Bas", "Netherlands"),
    ("NO", "Norvège", "Norway"),
    ("PF", "Polynésie française", "French Polynesia"),
    ("PL", "Pologne", "Poland"),
    ("PT", "Portugal", "Portugal"),
    ("RE", "La Réunion", "Réunion"),
    ("RO", "Roumanie", "Romania"),
    ("SE", "Suède", "Sweden"),
    ("SI", "Slovénie", "Slovenia"),
    ("SK", "Slovaquie", "Slovakia"),
    ("US", "États-Unis", "United States"),
    ("YT", "Mayotte", "Mayotte"),
];

/// The name of a country, or its code where nobody wrote the name down.
pub(crate) fn name(code: &str, language: Language) -> &str {
    match (COUNTRIES.iter().find(|(one, ..)| *one == code), language) {
        (Some((_, french, _)), Language::Fr) => french,
        (Some((_, _, english)), Language::En) => english,
        (None, _) => code,
    }
}
