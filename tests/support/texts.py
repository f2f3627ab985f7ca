"""The same paragraph in several languages, a message with emoji, and source code.

The paragraph is article 2 of the Universal Declaration of Human Rights.
"""

TEXTS = {
    "English": """\
Everyone is entitled to all the rights and freedoms set forth in this Declaration, without
distinction of any kind, such as race, colour, sex, language, religion, political or other
opinion, national or social origin, property, birth or other status. Furthermore, no
distinction shall be made on the basis of the political, jurisdictional or international
status of the country or territory to which a person belongs, whether it be independent or
under any limitation.""",
    "German": """\
Jeder hat Anspruch auf die in dieser Erklärung verkündeten Rechte und Freiheiten ohne
irgendeinen Unterschied, etwa nach Rasse, Hautfarbe, Geschlecht, Sprache, Religion,
politischer oder sonstiger Überzeugung, nationaler oder sozialer Herkunft, Vermögen,
Geburt oder sonstigem Stand. Des weiteren darf kein Unterschied gemacht werden auf Grund
der politischen, rechtlichen oder internationalen Stellung des Landes oder Gebiets, dem
eine Person angehört.""",
    "Czech": """\
Každý má všechna práva a všechny svobody, stanovené touto deklarací, bez jakéhokoli
rozlišování, zejména podle rasy, barvy, pohlaví, jazyka, náboženství, politického nebo
jiného smýšlení, národnostního nebo sociálního původu, majetku, rodu nebo jiného
postavení. Žádný rozdíl nebude dále činěn z důvodů politického, právního nebo
mezinárodního postavení země nebo území, k nimž určitá osoba přísluší, ať jde o zemi nebo
území nezávislé nebo pod poručenstvím.""",
    "Arabic": """\
لكل إنسان حق التمتع بكافة الحقوق والحريات الواردة في هذا الإعلان دون أي تمييز كالتمييز
بسبب العنصر أو اللون أو الجنس أو اللغة أو الدين أو الرأي السياسي أو أي رأي آخر أو الأصل
الوطني أو الاجتماعي أو الثروة أو الميلاد أو أي وضع آخر دون أية تفرقة بين الرجال والنساء
وفضلا عما تقدم فلن يكون هناك أي تمييز أساسه الوضع السياسي أو القانوني أو الدولي لبلد أو
البقعة التي ينتمي إليها الفرد""",
    "Chinese": """\
人人有资格享受本宣言所载的一切权利和自由\uff0c不分种族、肤色、性别、语言、宗教、政治\
或其他见解、国籍或社会出身、财产、出生或其他身分等任何区别。并且不得因一人所属的\
国家或领土的政治的、行政的或者国际的地位之不同而有所区别\uff0c无论该领土是独立领土、\
托管领土、非自治领土或者处于其他任何主权受限制的情况之下。""",
    "Hindi": """\
सभी को इस घोषणा में सन्निहित सभी अधिकारों और आज़ादियों को प्राप्त
करने का हक़ है और इस मामले में जाति, वर्ण, लिंग, भाषा, धर्म,
राजनीति या अन्य विचार प्रणाली, किसी देश या समाज विशेष में जन्म,
सम्पत्ति या किसी प्रकार की अन्य मर्यादा आदि के कारण भेदभाव का
विचार न किया जाएगा। इसके अतिरिक्त, चाहे कोई देश या प्रदेश
स्वतन्त्र हो, संरक्षित हो, या स्वशासन रहित हो या परिमित प्रभुसत्ता
वाला हो, उस देश या प्रदेश की राजनैतिक स्थिति के आधार पर वहां के
निवासियों के प्रति कोई फ़रक़ न रखा जाएगा।""",
    "emoji": """\
so 😀 we went to the beach 🏖️ and the sun ☀️ was out 🔥 then 🐕
ran off with my 🌭 lol 😂 and mum 👩‍👦 laughed so hard she
dropped her 🍦 in the sand 🏝️ best day ever ❤️ then we played ⚽
until it was dark 🌙 and drove 🚗 home tired 😴 tomorrow we go
back 🏄 with the cousins 👨‍👩‍👧 and more snacks 🍉 promise 🤞""",
    "code": """\
def parse(self, line): # one record
    if not line.strip(): return None
    name, _, value = line.partition("=")
    if not value: raise ValueError(f"no value in {line!r}")
    fields = [each.strip() for each in value.split(",") if each.strip()]
    if len(fields) > self.limit: raise ValueError(f"more than {self.limit} fields in {line!r}")
    self.seen.add(name.strip()); self.count += len(fields)
    return Record(name=name.strip(), fields=tuple(fields), line=self.count)""",
}
