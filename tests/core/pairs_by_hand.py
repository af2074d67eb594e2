"""Labelled pairs written by hand: strangers with near names, hard ones that are the same, traps that are not."""

from ml_connector.core.similar import Facts

#: Names of really different firms.
STRANGERS = """
Delta Air | Delta Ait Supply
Delta Airlines | Delta Faucet
Baker Plumbing | Barker Plumbing
Johnson Electric | Johnston Electric
Hanson Dental | Hansen Dental
Carter & Sons | Carver & Sons
Mill Creek Apartments | Hill Creek Apartments
Pine Ridge Apartments | Pine Bridge Apartments
Marina Bay Hotel | Marine Bay Hotel
Lake View Apartments | Lake Vista Apartments
Bay Medical | Day Medical
Sunrise Dental | Sunset Dental
First National Bank | Second National Bank
First National Bank | First Regional Bank
Phase I Properties | Phase II Properties
Phase II Properties | Phase III Properties
Building A LLC | Building B LLC
Cedar Court Partners | Cedar Point Partners
Chicago Plumbing Supply | Chicago Heating Supply
Chicago Tool & Die | Chicago Tile & Dye
American Steel | American Seal
American Steel | American Steel Erectors
United Rentals | United Dentals
National Glass | National Gas
General Electric | General Electronics
General Motors | General Meters
Allied Steel | Allied Stone
Pacific Marine | Pacific Maritime
Ocean Blue Sushi | Blue Ocean Sushi
Golden Dragon | Golden Wagon
Smith, John A | Smith, John B
John Smith Sr. | John Smith Jr.
Smith & Sons | Smith
Miller Brothers | Miller Sisters
Jones Law Firm | Jones Lawn Farm
City of Auburn | City of Albany
Town of Salem | Town of Selma
County of Kent | County of Brent
School District 12 | School District 21
District 9 Fire Department | District 9 Police Department
St. Mary's Hospital | St. Mark's Hospital
St. Joseph's Church | St. Joseph's School
Men's Wearhouse | Women's Warehouse
Upper Valley Foods | Lower Valley Foods
North Shore Bank | South Shore Bank
Northern Lights | Southern Lights
Eastern Supply | Western Supply
Austin Roofing | Boston Roofing
Kansas City Roofing | Kansas Roofing
Dallas Freight | Dulles Freight
Star Bakery | Starr Brewery
Sun Coast Realty | Son Coast Realty
Crown Castle | Crown Cast
Bell Labs | Ball Labs
3M Company | 3D Company
A1 Towing | A2 Towing
ABC Supply | ABD Supply
JB Hunt | JP Hunt
Route 66 Diner | Route 99 Diner
Studio 54 | Studio 45
Century 21 | Century 22
24 Hour Fitness | 24 Hour Towing
ACME Software | ACME Hardware
Fisher Scientific | Fischer Scientific Glass
Meyer Insurance | Mayer Insurance
Larson Farms | Larsen Farms
Anderson Oil | Andersen Oil
Stewart Title | Stuart Title
Philips Lighting | Phillips Lighting
Wood Works | Woodward Works
Rivera Imports | Riviera Imports
Oak Street Partners | Elm Street Partners
Oak Park Dental | Oak Bark Dental
Summit Health | Summit Wealth
Harbor Freight | Harbor Fright
Premier Homes | Premium Homes
Alpha Systems | Alpine Systems
Apex Industries | Apex Ministries
Team Logic | Teamo Logistics
Metro Cab | Metro Lab
Eagle Security | Eagle Securities
Green Land | Greenland Travel
Best Western Plus | Best Western
Hilton Garden Inn | Hilton
Deutsche Bahn AG | Deutsche Bank AG
Bäckerei Müller | Bäckerei Möller
Société Générale | Société Nationale
東京電力 | 東京電気
""".strip()

#: The same firm under another name, or with everything but the name changed: hard, some of them too hard.
HARD = [
    (Facts("International Business Machines", "Armonk", "10504", "914-555-0100"),
     Facts("IBM", "Armonk", "10504", "914-555-0100")),
    (Facts("JP Morgan Chase & Co.", "New York", "10017"), Facts("J.P. Morgan Chase", "New York", "10017")),
    (Facts("3M Company", "St. Paul", "55144"), Facts("Minnesota Mining & Manufacturing", "Saint Paul", "55144")),
    (Facts("Hewlett-Packard Company", "Palo Alto", "94304"), Facts("Hewlett Packard Enterprise", "Palo Alto", "94304")),
    (Facts("Robert's Auto Body dba Bob's Garage", "Reno", "89501", "775-555-0111"),
     Facts("Bob's Garage", "Reno", "89501", "775-555-0111")),
    (Facts("Smith, Jane", "Mobile", "36602", email="jane.smith@gmail.com"),
     Facts("Jane Smith", "Mobile", "36602", email="jane.smith@gmail.com")),
    (Facts("Acme Widgets", "Brooklyn", "11201", "718-555-0199"),
     Facts("ACME Widgets, Inc", "New York", "11201", "(718) 555-0199")),
    (Facts("Acme Widgets", phone="555-0199"), Facts("Acme Widgets Inc", phone="+1 718 555 0199")),
    (Facts("Bergstrom & Olsen", "Oslo", "0150"), Facts("Bergström og Olsen AS", "Oslo", "150")),
    (Facts("Wm. Wrigley Jr. Company", "Chicago", "60611"), Facts("William Wrigley Jr. Co", "Chicago", "60611")),
    (Facts("Bed, Bath & Beyond", "Union", "07083"), Facts("Bed Bath and Beyond Inc.", "Union", "7083")),
    (Facts("Trader Joes", "Monrovia", "91016-1234"), Facts("Trader Joe's Company, The", "Monrovia", "91016")),
    (Facts("Toys R Us", "Wayne", "07470"), Facts("Toys “Я” Us", "Wayne", "07470")),
    (Facts("Schäfer Werkzeuge GmbH", "Köln", "50667"), Facts("Schaefer Werkzeuge", "Koeln", "50667")),
    (Facts("Müller AG", "Zürich", "8001", "044 555 01 23"),
     Facts("Mueller AG", "Zurich", "CH-8001", "+41 44 555 01 23")),
    (Facts("YMCA", "Gary", "46402", "219-555-0177"), Facts("Y.M.C.A.", "Gary", "46402", "219-555-0177")),
    (Facts("Great Lakes Shipping", "Duluth", "55802", "218-555-0155", "ops@greatlakesship.com"),
     Facts("Great Lakes Freight", "Duluth", "55802", "218-555-0155", "ops@greatlakesship.com")),
    (Facts("Tri-State Lumber", "Cairo", "62914", "618-555-0133"),
     Facts("Tristate Lumber Co", "Cairo", "62914", "618-555-0133")),
    (Facts("Store 12, Wingtip", "Nashville", "37203"), Facts("Wingtip Store No. 12", "Nashville", "37203")),
    (Facts("First Bank & Trust", "Lubbock", "79401"), Facts("1st Bank and Trust", "Lubbock", "79401")),
]  # fmt: skip

#: Different firms that share nearly all: the same owner, the same placeholder, the same name by chance.
TRAPS = [
    (Facts("Joe's Pizza", "Boston", "02108", "617-555-0111", "joe@gmail.com"),
     Facts("Joe's Pasta", "Boston", "02108", "617-555-0111", "joe@gmail.com")),
    (Facts("Golden Dragon", "Springfield", email="none@none.com"),
     Facts("Golden Dragon Inc", "Springfield", email="none@none.com")),
    (Facts("Golden Dragon", "Salem", phone="000-000-0000"), Facts("Golden Dragon Inc", "Salem", phone="0000000000")),
    (Facts("Golden Dragon", "Salem", phone="555-555-5555"), Facts("Golden Dragon Inc", "Salem", phone="555-555-5555")),
    (Facts("Golden Dragon", "Salem", "00000"), Facts("Golden Dragon Inc", "Salem", "00000")),
    (Facts("Golden Dragon", "Springfield", email="goldendragon@gmail.com"),
     Facts("Golden Dragon Inc", "Springfield", email="thegoldendragon@gmail.com")),
    (Facts("Siemens AG", email="info@siemens.com"), Facts("Siemens Ltd", email="uk@siemens.com")),
    (Facts("Siemens", email="info@siemens.com"), Facts("Siemens Inc", email="us@siemens.com")),
    (Facts("Siemens Pte Ltd", email="info@siemens.com"), Facts("Siemens Pty Ltd", email="au@siemens.com")),
    (Facts("Bauer GmbH", "Ulm", "89073", "0731 555012"), Facts("Bauer GmbH & Co. KG", "Ulm", "89073", "0731 555012")),
    (Facts("Acme Inc", "Erie", "16501", "814-555-0122"), Facts("Acme LLC", "Erie", "16501", "814-555-0122")),
    (Facts("Subway", "Chicago", "60601", "312-555-0111", "a@subway.com"),
     Facts("Subway Inc", "Chicago", "60601", "312-555-0199", "b@subway.com")),
    (Facts("Subway", "Chicago", "60601", "312-555-0111"), Facts("Subway Inc", "Chicago", "60614", "312-555-0199")),
    (Facts("Subway", "Chicago", "60601", "800-555-0111"), Facts("Subway Inc", "", "60614", "800-555-0111")),
    (Facts("Subway", "Chicago", "60601", "800-555-0111", "a@subway.com"),
     Facts("Subway Inc", "Chicago", "60614", "800-555-0111", "a@subway.com")),
    (Facts("Siemens, Chicago", "Chicago", "", "312-555-0140", "info@siemens.com"),
     Facts("Siemens", "Chicago", "", "312-555-0199", "info@siemens.com")),
    (Facts("Y.M.C.A.", "Gary", "46402", "219-555-0177"), Facts("Y.M.", "Gary", "46402", "219-555-0177")),
    (Facts("Oak Villas", "Tampa", "33602", "813-555-0100", "rent@manage.com"),
     Facts("Elm Villas", "Tampa", "33602", "813-555-0100", "rent@manage.com")),
    (Facts("Mill Creek Apts", "Tampa", "33602", "813-555-0100", "rent@manage.com"),
     Facts("Hill Creek Apts", "Tampa", "33602", "813-555-0100", "rent@manage.com")),
    (Facts("Pine Ridge Apts", "Tampa", "33602", "813-555-0100", "rent@manage.com"),
     Facts("Pine Bridge Apts", "Tampa", "33602", "813-555-0100", "rent@manage.com")),
    (Facts("Marina Bay", "Tampa", "33602", "813-555-0100", "rent@manage.com"),
     Facts("Marine Bay", "Tampa", "33602", "813-555-0100", "rent@manage.com")),
    (Facts("Harbor Point I LP", "Tampa", "33602", "813-555-0100", "rent@manage.com"),
     Facts("Harbor Point II LP", "Tampa", "33602", "813-555-0100", "rent@manage.com")),
    (Facts("Building A", "Tampa", "33602", "813-555-0100", "rent@manage.com"),
     Facts("Building B", "Tampa", "33602", "813-555-0100", "rent@manage.com")),
    (Facts("Smith Family Trust 1998", "Tampa", "33602", "813-555-0100"),
     Facts("Smith Family Trust 1989", "Tampa", "33602", "813-555-0100")),
    (Facts("John Smith Sr", "Tampa", "33602", "813-555-0100"),
     Facts("John Smith Jr", "Tampa", "33602", "813-555-0100")),
    (Facts("Dr. Ann Lee DDS", "Tampa", "33602", "813-555-0100"),
     Facts("Dr. Dan Lee DDS", "Tampa", "33602", "813-555-0100")),
    (Facts("Acme", "Paris", "75001", "555-0100"), Facts("Acme SA", "Lyon", "69001", "555-0199")),
    (Facts("Ferry Nail", "Reno", "89501", "775-555-0140"), Facts("Ferry Nail Spa", "Reno", "89501", "775-555-0140")),
    (Facts("Farmers", "Ames", "50010", "515-555-0140"), Facts("Farmers Coop", "Ames", "50010", "515-555-0140")),
    (Facts("Acme", "Reno", "89501", "775-555-0140"), Facts("Acme NV", "Reno", "89501", "775-555-0140")),
    (Facts("Acme", email="a@acme.com", phone="775-555-0140"),
     Facts("Acme UK", email="b@acme.com", phone="775-555-0140")),
    (Facts("Acme", email="a@acme.com", phone="775-555-0140"),
     Facts("Acme EU", email="b@acme.com", phone="775-555-0140")),
]  # fmt: skip
